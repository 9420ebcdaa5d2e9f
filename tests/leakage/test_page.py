"""The page of the battery says what the battery does."""

from leakage.page import PAGE, page


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `make docs`"

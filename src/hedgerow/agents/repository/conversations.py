"""Questions about what was said."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Double, Select, literal

from hedgerow.agents.enums import FeedbackType, MessageRole
from hedgerow.agents.models import Conversation
from hedgerow.core.repository import AsyncBaseRepository, BaseRepository, awaiting, refusals
from hedgerow.core.repository.filters import coerced, count
from hedgerow.core.vector import Embedding, embedding


@dataclass(frozen=True, slots=True)
class SimilarQuery:
    """A turn that was found by meaning.

    :ivar conversation: the turn.
    :ivar similarity: cosine similarity to what was looked for, -1 to 1.
    """

    conversation: Conversation
    similarity: float


class ConversationRepository(BaseRepository[Conversation]):
    """Turns of conversations with the agents."""

    model_class = Conversation

    def get_by_session(self, session_id: str) -> list[Conversation]:
        """Return every turn of a conversation, in the order in which they were spoken."""
        turns = self.matching({"session_id": session_id})
        return self.rows(turns.order_by(Conversation.created_at, Conversation.id))

    def get_by_user(self, user_id: str) -> list[Conversation]:
        """Return every turn of a user's conversations, the newest first."""
        return self.rows(self._newest(self.matching({"user_id": user_id})))

    def get_with_feedback(self, feedback_type: FeedbackType | str | None = None) -> list[Conversation]:
        """Return every turn with feedback, the newest first; of one kind only if one is given.

        :raises FilterError: there is no such kind.
        """
        if feedback_type is not None:
            return self.rows(self._newest(self.matching({"feedback_type": feedback_type})))
        return self.rows(self._newest(self.select().where(Conversation.feedback_type.is_not(None))))

    def give_feedback(
        self, id: UUID | str, feedback_type: FeedbackType | str, feedback_text: str | None = None
    ) -> Conversation:
        """Note what the user thought of a turn, in place of what was noted before, and return the turn.

        :raises RowNotFoundError: there is no such turn.
        :raises FilterError: there is no such kind of feedback.
        """
        kind = coerced(Conversation, "feedback_type", feedback_type)
        with refusals(self.session, self.table_name):
            return self.update(id, {"feedback_type": kind, "feedback_text": feedback_text})

    def get_similar_queries(self, query_embedding: Embedding | None, top_k: int = 10) -> list[SimilarQuery]:
        """Return the ``top_k`` turns of users that are nearest in meaning, the most similar first.

        The search is exact: every turn of the tenant that has an embedding is compared, and no other tenant's turns
        take the place of one. Turns whose embedding has no direction (zero) are like nothing.

        :param query_embedding: of the question, 1536 numbers; None, or a zero vector, finds nothing.
        :raises FilterError: a negative ``top_k``.
        :raises VectorError: another number of them, or one that is not finite.
        """
        number = count("number of turns", top_k)
        if query_embedding is None or not any(asked := embedding(query_embedding)):
            return []
        distance = Conversation.content_embedding.cosine_distance(asked)
        # The distance to a zero vector is NaN, which PostgreSQL takes to be larger than every number.
        near = self.select().where(Conversation.role == MessageRole.USER, distance <= literal(2.0, Double))
        nearest = near.add_columns(distance).order_by(distance, Conversation.id).limit(number)
        return [SimilarQuery(turn, 1 - away) for turn, away in self.session.execute(nearest)]

    def _newest(self, statement: Select[Conversation]) -> Select[Conversation]:
        return statement.order_by(Conversation.created_at.desc(), Conversation.id)


class AsyncConversationRepository(AsyncBaseRepository[Conversation]):
    """:class:`ConversationRepository` over an asynchronous session."""

    sync_class = ConversationRepository
    get_by_session = awaiting(ConversationRepository.get_by_session)
    get_by_user = awaiting(ConversationRepository.get_by_user)
    get_with_feedback = awaiting(ConversationRepository.get_with_feedback)
    give_feedback = awaiting(ConversationRepository.give_feedback)
    get_similar_queries = awaiting(ConversationRepository.get_similar_queries)

"""A small service over hedgerow: who asks is in a signed token, and a session of that scope answers."""

"""The machinery that knows no domain: base, types, traits, declared objects, scope, filter, wall, sessions, server."""

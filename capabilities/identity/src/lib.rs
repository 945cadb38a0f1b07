//! Units' people: accounts, roles, sessions, tokens.

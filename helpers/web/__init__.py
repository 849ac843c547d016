"""HTTP: what a client asks for, what an answer says, and what went wrong."""

"""An exchange made visible, and the same as curl, Python and Postman."""

//! Library of the server.

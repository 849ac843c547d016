"""Multipart bodies (RFC 2046, RFC 2387): read, written and described."""

from helpers.multipart.reader import Part, boundary_of, iter_parts, parse, parts

__all__ = ["Part", "boundary_of", "iter_parts", "parse", "parts"]

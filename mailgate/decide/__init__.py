"""The rules of the house, pure: values in, a Decision with its reasons out. A file for a family of rules."""

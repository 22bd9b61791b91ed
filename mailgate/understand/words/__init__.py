"""The engine of the word lists: text is folded and cut into words, lists are compiled, and phrases are found."""

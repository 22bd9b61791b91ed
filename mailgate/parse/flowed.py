"""`format=flowed` (RFC 3676): lines that end in a space go on in the next."""


def joined(text: str, *, delete_space: bool = False) -> str:
    """Return `text` with its flowed lines joined; `delete_space` is DelSp=yes. Quoted lines are joined with those of the
    same depth, and the signature's `-- ` ends with a space and is no flowed line."""
    lines: list[str] = []
    open_depth = -1  # of the line that goes on, -1: none does
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        content = line[depth:]
        if content[:1] == " ":
            content = content[1:]  # stuffed
        if open_depth == depth and content != "-- ":
            before = lines[-1]
            lines[-1] = (before[:-1] if delete_space else before) + content
        else:
            lines.append(">" * depth + (" " if depth else "") + content)
        open_depth = depth if content.endswith(" ") and content != "-- " else -1
    return "\n".join(line if line.endswith("-- ") else line.rstrip(" ") for line in lines)

"""What the commands about tickets take: apart from what carries them out, which takes long to import."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands that change tickets."""
    actions = parser.add_subparsers(dest="action", required=True)
    close = actions.add_parser("close", help="close a ticket")
    close.add_argument("number", type=int)
    merge = actions.add_parser("merge", help="let a ticket go into another")
    merge.add_argument("number", type=int)
    merge.add_argument("into", type=int)
    split = actions.add_parser("split", help="make a ticket of the latest question")
    split.add_argument("number", type=int)
    split.add_argument("--subject", default="")
    assign = actions.add_parser("assign", help="give a ticket to a person")
    assign.add_argument("number", type=int)
    assign.add_argument("name", nargs="+")

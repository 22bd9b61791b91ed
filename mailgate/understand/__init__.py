"""What the words of a mail say: findings, clues, matter, commands. Pure, and no policy: what follows is decided in `decide/`."""

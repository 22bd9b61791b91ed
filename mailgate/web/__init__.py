"""The web faces: the API of control panels, figures and health, the board of the staff."""

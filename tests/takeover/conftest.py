from tests.cli.desk_folder import desk_with_people

__all__ = ["desk_with_people"]

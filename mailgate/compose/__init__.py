"""Letter → Rendered → bytes: choosing among the loaded templates, rendering, headers. Pure."""

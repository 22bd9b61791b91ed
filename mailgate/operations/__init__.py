"""Operations: what an installation is looked after with: alarms, checks, backups."""

"""The doors: each makes raw mail an arrival that is on durable storage before it says yes."""

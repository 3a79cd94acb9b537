"""Every shape in which an event was ever stored, one file a service; lines are added, never changed or removed."""

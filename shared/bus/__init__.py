"""The bus: publishing, consuming and the embedded broker."""

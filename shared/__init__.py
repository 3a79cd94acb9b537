"""What every service needs and none owns; imports no service."""

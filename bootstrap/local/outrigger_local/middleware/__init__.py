"""What a real cloud does to calls, one module each; each is off unless the faults ask for it."""

"""What a flowgraph would send, measured before anything is sent."""

"""The program as a service: its command line, its life, reloads, systemd, --doctor."""

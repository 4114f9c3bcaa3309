"""What leaves the service by itself: mail to people, signed calls to partners' own systems."""

"""The HTTP kit: how any slice is asked and answered; knows no slice."""

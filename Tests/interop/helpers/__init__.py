"""What the tests share. Nothing in here is a test."""
import os

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '../../..'))  # of the source tree

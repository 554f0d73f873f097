"""The machinery of Runnable Deep Learning: script → record → page. See README.md."""

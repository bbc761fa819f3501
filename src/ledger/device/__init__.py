"""The signing side: keys in encrypted files, the device's own stream, its outbox and its receipts.

A device trusts its own folder and nothing else.  It signs one stream and never a second branch: an event is written to the outbox
before it is sent, and the next event names it.
"""

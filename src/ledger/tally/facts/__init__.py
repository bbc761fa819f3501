"""What follows from the state and is computed on reading: states for people, result facts, rules that look across.

No decision reads anything of this (a test holds it), so nothing here can change what is admitted.
"""

"""The read side: totals, histories and findings as the projection has them, and replay, which makes the projection again."""

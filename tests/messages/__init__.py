"""Every kind of message that the bot sends, as a page that is read for its wording.

`python -m tests.messages` writes `docs/messages.md`. One module per topic makes the samples, from
the views and the domain's own rules with fixed values; `tests.messages.page` puts them together.
"""

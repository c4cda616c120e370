"""The tokens that Kilo stores, as seen with version 7.7.7: as OpenCode does, from which it is made."""

from __future__ import annotations

from .kilo import KILO
from .opencode_tokens import token_store_of

TOKENS = token_store_of(KILO)

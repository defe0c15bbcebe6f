"""What an office gave back is over for that office; what everybody gave back stays open with the last who did.

A program of before writes what is given back as not over: it stays in that office's list, as it did until now.
"""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ELSEWHERE = """
UPDATE referral SET ended = 1
WHERE state = 'returned' AND EXISTS (
    SELECT 1 FROM referral AS other
    WHERE other.intake = referral.intake AND other.id <> referral.id AND (
        other.state NOT IN ('returned', 'withdrawn')
        OR other.state = 'returned' AND (other.closed_at, other.id) > (referral.closed_at, referral.id)
    )
)
"""
LEFT = "UPDATE referral SET closed_at = NULL WHERE state = 'returned' AND ended = 0"


def upgrade() -> None:
    op.execute(ELSEWHERE)
    op.execute(LEFT)

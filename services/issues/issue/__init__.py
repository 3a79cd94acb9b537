"""An issue from intake to follow-up. What can be asked of it is declared as soon as this is imported."""

from services.issues.issue import answering, counting, extending, finding, handling, intake, outcome, rows, since, state  # noqa: F401  # what they declare, in the order in which it is offered

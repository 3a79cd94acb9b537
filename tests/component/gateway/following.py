"""Follows a case with a client that a public generator made out of the OpenAPI document; run with the generator's interpreter.

`python following.py URL PASSWORD` prints what came back as JSON. Nothing here knows a path, a method or the form of a body.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from linli_client import AuthenticatedClient, Client
from linli_client.api.accounts import accounts_me, accounts_sign_in
from linli_client.api.issues import (
    issues_accept_issue,
    issues_close_issue,
    issues_dispatch_issue,
    issues_find_issues,
    issues_get_issue,
    issues_record_follow_up,
    issues_report_issue,
    issues_resolve_issue,
    issues_triage_issue,
)
from linli_client.models import (
    IssuesAcceptIssue,
    IssuesCloseIssue,
    IssuesDispatchIssue,
    IssuesFindIssuesOrder,
    IssuesRecordFollowUp,
    IssuesRecordFollowUpResult,
    IssuesReportIssue,
    IssuesResolveIssue,
    IssuesTriageIssue,
    Problem,
    SignIn,
)


def main(url: str, password: str) -> dict[str, Any]:
    """Report as a resident, work on it as staff, and look at each step."""
    nobody = Client(base_url=url)

    def signed_in(who: str) -> AuthenticatedClient:
        answer = accounts_sign_in.sync(client=nobody, body=SignIn(username=who, password=password))
        return AuthenticatedClient(base_url=url, token=answer.token)

    resident, grid, secretary = (signed_in(who) for who in ("p-resident", "p-grid", "p-secretary"))
    told = IssuesReportIssue(place="350104.013.002.007", category="facility.streetlight", description="路灯不亮")
    first = issues_report_issue.sync_detailed(client=resident, body=told, idempotency_key="once")
    again = issues_report_issue.sync(client=resident, body=told, idempotency_key="once")
    id = first.parsed.id
    steps = [issues_get_issue.sync(client=nobody, issue_id=id).status]
    refused = issues_triage_issue.sync(
        client=resident, body=IssuesTriageIssue(issue_id=id, severity="small", tier="compound", reason="x")
    )
    assert isinstance(refused, Problem)
    for client, command, body in (
        (grid, issues_triage_issue, IssuesTriageIssue(issue_id=id, severity="small", tier="compound", reason="看过")),
        (
            secretary,
            issues_dispatch_issue,
            IssuesDispatchIssue(issue_id=id, post_id="post-grid", duty="修好", working_days=3),
        ),
        (grid, issues_accept_issue, IssuesAcceptIssue(issue_id=id)),
        (grid, issues_resolve_issue, IssuesResolveIssue(issue_id=id, outcome="修好了")),
        (
            resident,
            issues_record_follow_up,
            IssuesRecordFollowUp(issue_id=id, result=IssuesRecordFollowUpResult.SATISFIED, note="亮了"),
        ),
        (secretary, issues_close_issue, IssuesCloseIssue(issue_id=id, because="居民满意")),
    ):
        done = command.sync(client=client, body=body)
        assert not isinstance(done, Problem), done
        steps.append(issues_get_issue.sync(client=client, issue_id=id).status)
    mine = issues_find_issues.sync(client=resident, mine=True, order=IssuesFindIssuesOrder.REPORTED, limit=5)
    return {
        "same": first.parsed.id == again.id,
        "position": first.headers["Linli-Position"],
        "steps": steps,
        "refused": [refused.status, refused.kind.value, refused.type_, refused.detail],
        "post": accounts_me.sync(client=grid).post,
        "mine": [row.issue_id == id for row in mine.rows],
        "timeline": len(issues_get_issue.sync(client=grid, issue_id=id).timeline),
    }


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:3])))

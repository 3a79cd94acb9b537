"""Volunteers: report-in, roles, teams, activities and attendance, patrols, and small wishes."""

"""Tests of one service or adapter against real servers."""

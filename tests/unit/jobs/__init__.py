"""Tests of running jobs."""

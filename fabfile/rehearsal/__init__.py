"""The task that tries everything on a throwaway host first."""

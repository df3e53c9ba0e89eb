"""Where reports go, and how text from elsewhere is made safe to show."""

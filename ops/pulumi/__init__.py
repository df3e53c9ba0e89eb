"""The Pulumi CLI's answers, as every command of this project reads them."""

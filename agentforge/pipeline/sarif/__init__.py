"""Reading other tools' SARIF."""

"""Results enter; what people see of them leaves: charts, sentences, the page for an auditor."""

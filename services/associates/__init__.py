"""Associates: dealers, partners and colleagues who look after accounts."""

"""Weights only: `agentforge --model minilm` reads the files of this folder."""

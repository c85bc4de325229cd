import os
import pickle
import subprocess


def run(cmd):
    return subprocess.call(cmd, shell=True)


def load(data, x=[]):
    unused = 1
    return pickle.loads(data)

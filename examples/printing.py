"""The tutorial's printing listings, on the graphs of logistic_regression.py.

python -m theanojax run printing.py [folder for the pictures]
"""
import os
import sys

import theano

from logistic_regression import predict, prediction, train

folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), 'output')
if not os.path.isdir(folder):
    os.makedirs(folder)

print '>>> theano.printing.pprint(prediction)'
print theano.printing.pprint(prediction)
print '>>> theano.printing.debugprint(prediction)'
theano.printing.debugprint(prediction)
print '>>> theano.printing.debugprint(predict)'
theano.printing.debugprint(predict)

theano.printing.pydotprint_variables(prediction, outfile=os.path.join(folder, 'prediction.png'))
theano.printing.pydotprint(predict, outfile=os.path.join(folder, 'predict.png'))
theano.printing.pydotprint(train, outfile=os.path.join(folder, 'train.png'))

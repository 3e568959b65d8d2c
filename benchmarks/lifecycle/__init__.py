"""What a whole life of a model costs here, beside the same work done by others in the same run.

Digits, a network of one hidden layer, five epochs, evaluation, ONNX, MLflow. `work.py` is that work
and nothing else: a plain script (`plain.py`), a flow of Prefect and a pipeline of ZenML (`peers/`)
are made of its functions. Ours is a run through the local stack, asked for over HTTP.
"""

# docker build -f deploy/docker/sagemaker.Dockerfile -t mxnet-model-server-sagemaker .
FROM mxnet-model-server
# SageMaker unpacks model.tar.gz there, for root.
USER root
# The port is 8080, or what SAGEMAKER_BIND_TO_PORT says, which counts where MMS_PORT is empty.
ENV MMS_PORT= MMS_MODELS=model=/opt/ml/model
LABEL com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true
# SageMaker says `serve` behind the image's name: the shell takes it for its own name, and hands over.
ENTRYPOINT ["/bin/sh", "-c", "exec mxnet-model-server"]
CMD ["serve"]

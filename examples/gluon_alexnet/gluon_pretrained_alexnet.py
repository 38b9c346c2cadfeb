"""AlexNet with the weights of MXNet's model zoo, which downloads them."""

# Spelt as in the tutorial of 2018.
# ruff: noqa: UP008

import mxnet
import numpy as np

from mms.model_service.mxnet_vision_service import MXNetVisionService


class MMSPretrainedAlexnet(MXNetVisionService):
    """Names what a picture shows; the archive needs no parameter file."""

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        super(MMSPretrainedAlexnet, self).__init__(model_name, model_dir, manifest, gpu)
        self.net = mxnet.gluon.model_zoo.vision.alexnet(pretrained=True)

    def _preprocess(self, data):
        img_list = []
        for idx, img in enumerate(data):
            input_shape = self.signature['inputs'][idx]['data_shape']
            # NCHW: the last two are height and width
            [h, w] = input_shape[2:]
            img_arr = mxnet.img.imdecode(img)
            img_arr = mxnet.image.imresize(img_arr, w, h)
            img_arr = img_arr.astype(np.float32)
            img_arr /= 255
            img_arr = mxnet.image.color_normalize(img_arr,
                                                  mean=mxnet.nd.array([0.485, 0.456, 0.406]),
                                                  std=mxnet.nd.array([0.229, 0.224, 0.225]))
            img_arr = mxnet.nd.transpose(img_arr, (2, 0, 1))
            img_arr = img_arr.expand_dims(axis=0)
            img_list.append(img_arr)
        return img_list

    def _inference(self, data):
        output = self.net(data[0])
        return output.softmax()

    def _postprocess(self, data):
        # A line of synset.txt reads 'n02123045 tabby, tabby cat': its second word names the class
        idx = data.topk(k=5)[0]
        return [{'class': (self.labels[int(i.asscalar())]).split()[1],
                 'probability': float(data[0, int(i.asscalar())].asscalar())}
                for i in idx]

"""The management port: models that are loaded, replaced, scaled and removed while others answer.

The interface is that of MMS 1.x. To be imported from outside: ``application``, ``model_jobs``,
``middleware``, ``model_store``, ``models_api`` and ``repository_api``, by whoever puts the server
together.
"""

"""The one door of an AS2 node."""

from django.urls import include, path

urlpatterns = [path("pyas2/", include("pyas2.urls"))]

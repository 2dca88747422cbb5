"""The form to sign with."""

from django import forms

from .models import PHOTO_TYPES, Entry

LARGEST_PHOTO = 10 * 1024 * 1024


class EntryForm(forms.ModelForm):
    """A name, a message and, if the visitor likes, a photo."""

    class Meta:
        model = Entry
        fields = ["name", "message", "photo"]
        widgets = {"photo": forms.FileInput(attrs={"accept": ",".join(f".{kind}" for kind in PHOTO_TYPES)})}

    def clean_photo(self):
        """Refuse a photo that is too large to show."""
        photo = self.cleaned_data["photo"]
        if photo and photo.size > LARGEST_PHOTO:
            raise forms.ValidationError("A photo may be at most 10 MB.")
        return photo
